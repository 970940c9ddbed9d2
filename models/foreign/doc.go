// Package foreign reads what neighbours of edge have made: classifiers that
// Teachable Machine exports and that Frigate trains, Teachable Machine's projects
// with their photos, and label files in their dialects.
//
// # Classifiers
//
// Teachable Machine exports an image model for TensorFlow Lite as a zip of
// labels.txt ("0 name" a line) and model_unquant.tflite (float) or model.tflite
// (uint8 in and out). The network is MobileNetV2 of width 0.35 at 224 pixels up to
// its last relu, global average pooling, a dense layer with relu, and one with
// softmax that has no biases. A custom classification of Frigate is a folder of
// model.tflite and labelmap.txt (a name a line), the same network with biases.
//
// Both are a base and a head of edge, so that ReadClassifier, file.Model's
// FeatureTensor and Head make a generation of them.
//
// # Projects
//
// A project of Teachable Machine (.tm) is a zip of manifest.json and of pictures
// named CLASS-!-NUMBER.jpg. OpenProject reads it, Unpack writes it as a folder a
// class.
//
// # What is trusted
//
// Nothing: sizes are counted as they come, names of entries never become paths,
// and a model is only parsed here. It runs nowhere before its trial.
package foreign
