"""What `tiphys check --online` finds: each system asked, each answer judged; nothing is written anywhere."""
