// Package finetune trains the top layers of a base together with the heads of
// one or more tasks: the second phase of the reference experiment.
//
// Run walks the whole way. It reads the images once, through the frozen base,
// and trains a head a task as the device does (phase 1). Then it feeds what the
// frozen part of the base makes of the pictures to the rest of it, which trains
// together with the heads (phase 2). After every epoch a checkpoint is written,
// from which a killed run goes on to the same result. What comes out is the
// base's own file with other constants in it, and the heads.
//
// Training needs TensorFlow, which only programs built with the tag tensorflow
// have; Available says whether this one does. Everything else here is plain Go.
// The package opens no model itself: whoever calls it brings an Engine.
package finetune
