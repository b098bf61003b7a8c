"""What a connection to each engine is: one module an engine, all with the same few methods (`client.Client`).

Nothing outside `warehouse` imports these, and no driver is imported before its engine is asked for.
"""
