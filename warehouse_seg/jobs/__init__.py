"""What the commands do: one job a module, each made of the layers below."""
