"""The search index: postings, phrases, columns and bitmaps in numpy arrays that all processes of a machine share."""
