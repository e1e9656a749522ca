"""Results of networks that others trained, read from data files, and the catalogue they can be downloaded from.

What is here knows files, columns and twins. Which labels a method may see is the ledger's affair and what a lock is
worth is `archlock.locking`'s: neither comes in here.
"""

from archlock.tables.errors import DownloadError, TableError
from archlock.tables.registry import load_table
from archlock.tables.table import Column, Table
from archlock.tables.user import load_table_file

__all__ = ["Column", "DownloadError", "Table", "TableError", "load_table", "load_table_file"]
