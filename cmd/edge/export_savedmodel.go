package main

// savedModelFormat is TensorFlow's own form, which the trainer alone writes.
func savedModelFormat() exportFormat {
	return exportFormat{
		name: "savedmodel",
		what: "a folder for TensorFlow and TensorFlow Serving; float bases, edge-trainer only",
	}
}
