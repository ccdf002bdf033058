"""What the pages of tariffs show: the document as a form, its timeline, differences in words, bills side by side."""
