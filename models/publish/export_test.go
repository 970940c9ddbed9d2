package publish

// Disk is what a repository writes with.
type Disk = disk

// File is a file open for writing on a Disk.
type File = file

// OSDisk is the disk itself.
type OSDisk = osDisk

// SetDisk lets a test decide what the disk does.
func (r *Repository) SetDisk(d Disk) { r.disk = d }
