"""One Git repository through a kept bare partial mirror: the git CLI, plumbing only, no work tree."""
