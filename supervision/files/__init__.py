"""Files that come with a request, delivery, rejection or appeal: what is taken, scanned, and where it is stored."""

from supervision.files.checking import Attachable, CheckedFile, check_files, inspected
from supervision.files.kinds import SUPPORTED, TYPES
from supervision.files.names import clean_name

__all__ = ["SUPPORTED", "TYPES", "Attachable", "CheckedFile", "check_files", "clean_name", "inspected"]
