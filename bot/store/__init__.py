"""The database: tables, the repositories over them, and the migrations."""
