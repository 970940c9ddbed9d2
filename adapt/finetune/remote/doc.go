// Package remote keeps a folder in an S3-compatible object store: the samples
// that a trainer reads, the checkpoints and results that it writes. Where no
// disk is shared between machines, this is what a job finds its work by, and
// what it goes on from after its machine is gone.
//
// Two kinds of folders are read. One that people filled, with any tool, is
// listed. One that Upload wrote has a manifest, which names every file with its
// size and digest: a reader takes what the manifest names and nothing else, so
// it sees one state of the folder, never half of the next. An upload that is
// cut off at any instant leaves a manifest whose files are all there.
//
// # What is trusted
//
// The store is not: names that lead out of the folder are refused before
// anything is fetched, and so is more than the disk can hold; nothing is
// written through a symbolic link. Bytes are trusted as far as TLS goes, and those of
// an uploaded folder as far as its manifest: who may write there may write
// anything. Credentials come from the environment, are sent in signatures only,
// and plain HTTP to other machines needs to be asked for.
package remote
