"""The first room: a source or a file becomes papers. It knows nothing of the store or of readers."""
