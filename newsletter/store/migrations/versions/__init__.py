"""One file a step, oldest 0001. A step that has been released is never changed: the next one corrects it."""
