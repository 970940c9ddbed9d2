package file

import (
	"errors"
	"fmt"
)

// Names of the metadata this package understands.
const (
	// MetadataName is the entry that holds a flatbuffer of TensorFlow Lite's
	// metadata schema (identifier M001).
	MetadataName = "TFLITE_METADATA"

	minRuntimeVersion = "min_runtime_version" // text, NUL-padded
)

// Info is what a model's TFLITE_METADATA says about it.
type Info struct {
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Version     string `json:"version,omitempty"`
	Author      string `json:"author,omitempty"`
	Licence     string `json:"licence,omitempty"`

	// MinParserVersion is the oldest version of the metadata's schema whose
	// readers understand all of it.
	MinParserVersion string `json:"min_parser_version,omitempty"`

	// Inputs and Outputs describe the main subgraph's, in their order.
	Inputs  []TensorInfo `json:"inputs,omitempty"`
	Outputs []TensorInfo `json:"outputs,omitempty"`
}

// TensorInfo describes an input or output of a model.
type TensorInfo struct {
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`

	// RGB is set for a picture whose last dimension is red, green and blue.
	RGB bool `json:"rgb,omitempty"`

	// Normalisation is the zero value if there is none.
	Normalisation Normalisation `json:"normalisation,omitzero"`

	// LabelFiles names the zipped files with a line for each index of the last
	// dimension.
	LabelFiles []string `json:"label_files,omitempty"`
}

// Normalisation says how pixels become input values: (x - Mean) / Std, x being
// 0 to 255. Both have one element for all channels or one for each.
type Normalisation struct {
	Mean []float32 `json:"mean"`
	Std  []float32 `json:"std"`
}

// ErrNoInfo says that a model carries no TFLITE_METADATA.
var ErrNoInfo = errors.New("no " + MetadataName)

// Slots of the metadata schema.
const (
	infoIdentifier = "M001"

	infoName        = 0
	infoDescription = 1
	infoVersion     = 2
	infoSubgraphs   = 3
	infoAuthor      = 4
	infoLicence     = 5
	infoMinParser   = 7
	infoSlots       = 8

	subgraphInfoInputs  = 2
	subgraphInfoOutputs = 3
	subgraphInfoSlots   = 4 // written

	tensorInfoName        = 0
	tensorInfoDescription = 1
	tensorInfoContent     = 3
	tensorInfoUnits       = 4
	tensorInfoFiles       = 6
	tensorInfoSlots       = 7

	contentKind  = 0
	contentTable = 1
	contentSlots = 2 // written

	contentImage = 2 // kind
	imageColour  = 0
	imageRGB     = 1 // colour
	imageSlots   = 1 // written

	unitKind  = 0
	unitTable = 1
	unitSlots = 2

	unitNormalisation = 1 // kind
	normalisationMean = 0
	normalisationStd  = 1
	normalisationSize = 2

	associatedName   = 0
	associatedKind   = 2
	associatedLabels = 2 // kind: a label for each index of the last dimension
	associatedSlots  = 3 // written
)

// Info reads the model's TFLITE_METADATA, with the same care as Parse. The error
// is ErrNoInfo if there is none.
func (m *Model) Info() (Info, error) {
	for _, d := range m.Metadata {
		if d.Name == MetadataName {
			info, err := parseInfo(d.Data)
			if err != nil {
				return Info{}, fmt.Errorf("read %s: %w", MetadataName, err)
			}
			return info, nil
		}
	}
	return Info{}, ErrNoInfo
}

// Normalisation returns the normalisation of the first input; ok is false if
// the model does not state one, or states one that no value can follow.
func (m *Model) Normalisation() (n Normalisation, ok bool) {
	info, err := m.Info()
	if err != nil || len(info.Inputs) == 0 {
		return Normalisation{}, false
	}
	n = info.Inputs[0].Normalisation
	for _, std := range n.Std {
		if !(std > 0) {
			return Normalisation{}, false
		}
	}
	return n, len(n.Mean) > 0 && len(n.Std) > 0
}

func parseInfo(data []byte) (info Info, err error) {
	if len(data) < 8 || string(data[4:8]) != infoIdentifier {
		return info, fmt.Errorf("identifier %s is missing", infoIdentifier)
	}
	r := newReader(data)
	pos, err := r.follow(0)
	if err != nil {
		return info, err
	}
	root, err := r.tableAt(pos)
	if err != nil {
		return info, err
	}
	for _, f := range []struct {
		slot int
		to   *string
	}{
		{infoName, &info.Name}, {infoDescription, &info.Description}, {infoVersion, &info.Version},
		{infoAuthor, &info.Author}, {infoLicence, &info.Licence}, {infoMinParser, &info.MinParserVersion},
	} {
		if *f.to, err = root.string(f.slot); err != nil {
			return info, err
		}
	}
	subgraphs, err := tables(root, infoSubgraphs, func(t table) (s Info, err error) {
		if s.Inputs, err = tables(t, subgraphInfoInputs, tensorInfo); err != nil {
			return s, fmt.Errorf("input %w", err)
		}
		if s.Outputs, err = tables(t, subgraphInfoOutputs, tensorInfo); err != nil {
			return s, fmt.Errorf("output %w", err)
		}
		return s, nil
	})
	if err != nil {
		return info, fmt.Errorf("subgraph %w", err)
	}
	if len(subgraphs) > 0 {
		info.Inputs, info.Outputs = subgraphs[0].Inputs, subgraphs[0].Outputs
	}
	return info, nil
}

func tensorInfo(t table) (x TensorInfo, err error) {
	if x.Name, err = t.string(tensorInfoName); err != nil {
		return x, err
	}
	if x.Description, err = t.string(tensorInfoDescription); err != nil {
		return x, err
	}
	if x.RGB, err = isRGB(t); err != nil {
		return x, err
	}
	units, err := tables(t, tensorInfoUnits, normalisation)
	if err != nil {
		return x, fmt.Errorf("process unit %w", err)
	}
	for _, n := range units {
		if len(n.Mean) > 0 {
			x.Normalisation = n
			break
		}
	}
	files, err := tables(t, tensorInfoFiles, labelFile)
	if err != nil {
		return x, fmt.Errorf("associated file %w", err)
	}
	for _, f := range files {
		if f != "" {
			x.LabelFiles = append(x.LabelFiles, f)
		}
	}
	return x, nil
}

// isRGB reports whether the content of a tensor is said to be an RGB picture.
func isRGB(t table) (bool, error) {
	c, ok, err := t.table(tensorInfoContent)
	if err != nil || !ok {
		return false, err
	}
	kind, err := c.uint8(contentKind, 0)
	if err != nil || kind != contentImage {
		return false, err
	}
	image, ok, err := c.table(contentTable)
	if err != nil || !ok {
		return false, err
	}
	colour, err := image.uint8(imageColour, 0)
	return colour == imageRGB, err
}

// normalisation reads a process unit; one of another kind gives the zero value.
func normalisation(t table) (n Normalisation, err error) {
	kind, err := t.uint8(unitKind, 0)
	if err != nil || kind != unitNormalisation {
		return n, err
	}
	o, ok, err := t.table(unitTable)
	if err != nil || !ok {
		return n, err
	}
	if n.Mean, err = o.float32s(normalisationMean); err != nil {
		return n, err
	}
	if n.Std, err = o.float32s(normalisationStd); err != nil {
		return n, err
	}
	if !finite(n.Mean) || !finite(n.Std) {
		return n, fmt.Errorf("mean %v, standard deviation %v", n.Mean, n.Std)
	}
	return n, nil
}

// labelFile returns the name of an associated file with labels, "" for another.
func labelFile(t table) (string, error) {
	kind, err := t.uint8(associatedKind, 0)
	if err != nil || kind != associatedLabels {
		return "", err
	}
	return t.string(associatedName)
}
