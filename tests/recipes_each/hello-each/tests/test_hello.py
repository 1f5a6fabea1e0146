import sys

import hello_each


def test_it_was_compiled_for_this_very_python():
    assert hello_each.compiled_for() == sys.version_info[:2]
