"""One module per command, each made of the rooms below."""
