// Package savedmodel writes a float classifier as a TensorFlow SavedModel.
//
// The folder holds saved_model.pb, with the weights as constants of the graph,
// and assets/labels.txt, a label a line. There are no variables: nothing in it
// trains. The signature "serving_default" takes "image", float32 of shape [n,
// height, width, channels] and normalised as for the .tflite file, and gives
// "scores", float32 [n, classes]. tf.saved_model.load, TensorFlow Serving and
// the converters of other formats read it.
//
// Everything but this comment needs the build tag "tensorflow": TensorFlow
// itself checks every operation as it is added, and infers its shape.
package savedmodel
