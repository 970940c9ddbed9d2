// Package tensorboard writes event files that TensorBoard shows: scalars, texts
// and pictures, without TensorFlow.
//
// An event file is a sequence of records (see appendRecord), each an Event
// message of TensorFlow's event.proto in protocol buffer encoding.
package tensorboard
