"""The parts of the made-up city of Riverton; `data_access.demo_city` is the door.

Nothing here reads a clock or a file.
"""
