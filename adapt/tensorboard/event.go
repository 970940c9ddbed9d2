package tensorboard

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of TensorFlow's messages, those written here.
const (
	eventWallTime    = 1 // double
	eventStep        = 2 // int64
	eventFileVersion = 3 // string
	eventSummary     = 5 // Summary
	eventSessionLog  = 7 // SessionLog

	sessionLogStatus = 1 // enum
	sessionStart     = 1

	summaryValue = 1 // repeated Value

	valueTag      = 1 // string
	valueScalar   = 2 // float
	valueImage    = 4 // Image
	valueTensor   = 8 // TensorProto
	valueMetadata = 9 // SummaryMetadata

	imageHeight     = 1 // int32
	imageWidth      = 2 // int32
	imageColorspace = 3 // int32
	imageEncoded    = 4 // bytes
	colorspaceRGB   = 3

	metadataPlugin = 1 // PluginData
	pluginName     = 1 // string

	tensorType   = 1 // enum DataType
	tensorShape  = 2 // TensorShapeProto
	tensorString = 8 // repeated bytes
	typeString   = 7
	shapeDim     = 2 // repeated Dim
	dimSize      = 1 // int64
)

// eventMessage returns an Event: wall is in seconds since 1970, and content an
// encoded field of the message.
func eventMessage(wall float64, step int64, content []byte) []byte {
	var b []byte
	b = protowire.AppendTag(b, eventWallTime, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, math.Float64bits(wall))
	if step != 0 {
		b = appendInt(b, eventStep, step)
	}
	return append(b, content...)
}

// versionField must open every file.
func versionField() []byte { return appendText(nil, eventFileVersion, "brain.Event:2") }

// startField says that a run begins at step 0: TensorBoard then drops the
// events of older files in the same folder instead of drawing both as one
// zigzag line.
func startField() []byte {
	return appendBytes(nil, eventSessionLog, appendInt(nil, sessionLogStatus, sessionStart))
}

func scalarField(tag string, value float32) []byte {
	v := appendText(nil, valueTag, tag)
	v = protowire.AppendTag(v, valueScalar, protowire.Fixed32Type)
	v = protowire.AppendFixed32(v, math.Float32bits(value))
	return summaryField(v)
}

func imageField(tag string, width, height int, encoded []byte) []byte {
	var img []byte
	img = appendInt(img, imageHeight, int64(height))
	img = appendInt(img, imageWidth, int64(width))
	img = appendInt(img, imageColorspace, colorspaceRGB)
	img = appendBytes(img, imageEncoded, encoded)
	return summaryField(appendBytes(appendText(nil, valueTag, tag), valueImage, img))
}

// textField makes a string tensor of shape [1], which the text plugin renders.
func textField(tag, markdown string) []byte {
	dim := appendInt(nil, dimSize, 1)
	tensor := appendInt(nil, tensorType, typeString)
	tensor = appendBytes(tensor, tensorShape, appendBytes(nil, shapeDim, dim))
	tensor = appendText(tensor, tensorString, markdown)
	metadata := appendBytes(nil, metadataPlugin, appendText(nil, pluginName, "text"))

	v := appendText(nil, valueTag, tag)
	v = appendBytes(v, valueTensor, tensor)
	return summaryField(appendBytes(v, valueMetadata, metadata))
}

func summaryField(value []byte) []byte {
	return appendBytes(nil, eventSummary, appendBytes(nil, summaryValue, value))
}

func appendInt(b []byte, field protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendText(b []byte, field protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}
