"""What asv measures over the history of commits; cases come from the catalogues.

asv collects every name that begins with time_, track_, mem_, peakmem_ or timeraw_, imported ones too: nothing that these files
import may begin so (tests/bench/asv/test_collected.py).
"""
