package file

import flatbuffers "github.com/google/flatbuffers/go"

// Metadata returns a TFLITE_METADATA entry that states n for the only input and
// nothing else, so that a cut model is still fed as the whole one was.
func (n Normalisation) Metadata() Metadata {
	return Info{Inputs: []TensorInfo{{Normalisation: n}}}.Metadata()
}

// Metadata returns info as a TFLITE_METADATA entry, which Model.Info reads back.
// Empty fields are left out. The same info gives the same bytes.
func (info Info) Metadata() Metadata {
	b := flatbuffers.NewBuilder(256)
	inputs, outputs := encodeTensorInfos(b, info.Inputs), encodeTensorInfos(b, info.Outputs)
	b.StartObject(subgraphInfoSlots)
	b.PrependUOffsetTSlot(subgraphInfoInputs, inputs, 0)
	b.PrependUOffsetTSlot(subgraphInfoOutputs, outputs, 0)
	subgraphs := b.CreateVectorOfTables([]flatbuffers.UOffsetT{b.EndObject()})
	texts := []struct {
		slot int
		at   flatbuffers.UOffsetT
	}{
		{infoName, encodeText(b, info.Name)},
		{infoDescription, encodeText(b, info.Description)},
		{infoVersion, encodeText(b, info.Version)},
		{infoAuthor, encodeText(b, info.Author)},
		{infoLicence, encodeText(b, info.Licence)},
		{infoMinParser, encodeText(b, info.MinParserVersion)},
	}
	b.StartObject(infoSlots)
	for _, t := range texts {
		b.PrependUOffsetTSlot(t.slot, t.at, 0)
	}
	b.PrependUOffsetTSlot(infoSubgraphs, subgraphs, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(infoIdentifier))
	return Metadata{Name: MetadataName, Data: b.FinishedBytes()}
}

// encodeTensorInfos writes a vector of tables; an empty one is left out.
func encodeTensorInfos(b *flatbuffers.Builder, list []TensorInfo) flatbuffers.UOffsetT {
	return encodeTables(b, list, func(x TensorInfo) flatbuffers.UOffsetT {
		name, description := encodeText(b, x.Name), encodeText(b, x.Description)
		files := encodeTables(b, x.LabelFiles, func(name string) flatbuffers.UOffsetT {
			at := b.CreateString(name)
			b.StartObject(associatedSlots)
			b.PrependUOffsetTSlot(associatedName, at, 0)
			b.PrependUint8Slot(associatedKind, associatedLabels, 0)
			return b.EndObject()
		})
		var units []Normalisation
		if len(x.Normalisation.Mean) > 0 || len(x.Normalisation.Std) > 0 {
			units = []Normalisation{x.Normalisation}
		}
		unit := encodeTables(b, units, func(n Normalisation) flatbuffers.UOffsetT { return encodeNormalisation(b, n) })
		content := encodeContent(b, x)
		b.StartObject(tensorInfoSlots)
		b.PrependUOffsetTSlot(tensorInfoName, name, 0)
		b.PrependUOffsetTSlot(tensorInfoDescription, description, 0)
		b.PrependUOffsetTSlot(tensorInfoContent, content, 0)
		b.PrependUOffsetTSlot(tensorInfoUnits, unit, 0)
		b.PrependUOffsetTSlot(tensorInfoFiles, files, 0)
		return b.EndObject()
	})
}

func encodeNormalisation(b *flatbuffers.Builder, n Normalisation) flatbuffers.UOffsetT {
	mean, std := encodeFloat32s(b, n.Mean), encodeFloat32s(b, n.Std)
	b.StartObject(normalisationSize)
	b.PrependUOffsetTSlot(normalisationMean, mean, 0)
	b.PrependUOffsetTSlot(normalisationStd, std, 0)
	options := b.EndObject()
	b.StartObject(unitSlots)
	b.PrependUOffsetTSlot(unitTable, options, 0)
	b.PrependUint8Slot(unitKind, unitNormalisation, 0)
	return b.EndObject()
}

// encodeContent says that a tensor is an RGB picture; it is left out of others.
func encodeContent(b *flatbuffers.Builder, x TensorInfo) flatbuffers.UOffsetT {
	if !x.RGB {
		return 0
	}
	b.StartObject(imageSlots)
	b.PrependUint8Slot(imageColour, imageRGB, 0)
	image := b.EndObject()
	b.StartObject(contentSlots)
	b.PrependUOffsetTSlot(contentTable, image, 0)
	b.PrependUint8Slot(contentKind, contentImage, 0)
	return b.EndObject()
}

// encodeTables writes a vector of what encode makes of each; an empty one is left out.
func encodeTables[T any](b *flatbuffers.Builder, list []T, encode func(T) flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	if len(list) == 0 {
		return 0
	}
	tables := make([]flatbuffers.UOffsetT, len(list))
	for i, x := range list {
		tables[i] = encode(x)
	}
	return b.CreateVectorOfTables(tables)
}

// encodeText writes s; the empty string is left out.
func encodeText(b *flatbuffers.Builder, s string) flatbuffers.UOffsetT {
	if s == "" {
		return 0
	}
	return b.CreateString(s)
}
