"""The fuzzer's own modules are a program; test_fuzz.py starts it."""

collect_ignore = ["run.py", "readers.py", "mutations.py"]
