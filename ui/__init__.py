"""The faces: the chat page and the command line."""
