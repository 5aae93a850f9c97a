"""The fixtures of the end-to-end tests."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import importlib.util  # noqa: E402

spec = importlib.util.spec_from_file_location(
    "e2e_fixtures", os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e", "conftest.py"))
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
globals().update({name: thing for name, thing in vars(fixtures).items() if not name.startswith("__")})
