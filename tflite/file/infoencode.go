package file

import flatbuffers "github.com/google/flatbuffers/go"

// metadata returns a TFLITE_METADATA entry that states n for the only input and
// nothing else, so that a cut model is still fed as the whole one was.
func (n Normalisation) metadata() Metadata {
	b := flatbuffers.NewBuilder(256)
	mean, std := encodeFloat32s(b, n.Mean), encodeFloat32s(b, n.Std)
	b.StartObject(normalisationSize)
	b.PrependUOffsetTSlot(normalisationMean, mean, 0)
	b.PrependUOffsetTSlot(normalisationStd, std, 0)
	options := b.EndObject()
	b.StartObject(unitSlots)
	b.PrependUOffsetTSlot(unitTable, options, 0)
	b.PrependUint8Slot(unitKind, unitNormalisation, 0)
	unit := b.EndObject()

	// Each of the outer tables holds a vector with the one inside.
	for _, outer := range [...]struct{ slots, slot int }{
		{tensorInfoSlots, tensorInfoUnits},
		{subgraphInfoSlots, subgraphInfoInputs},
		{infoSlots, infoSubgraphs},
	} {
		list := b.CreateVectorOfTables([]flatbuffers.UOffsetT{unit})
		b.StartObject(outer.slots)
		b.PrependUOffsetTSlot(outer.slot, list, 0)
		unit = b.EndObject()
	}
	b.FinishWithFileIdentifier(unit, []byte(infoIdentifier))
	return Metadata{Name: MetadataName, Data: b.FinishedBytes()}
}
