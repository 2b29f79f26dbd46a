package journal

// Disk is what a File does with its file, for a test to come in between.
type Disk = disk

// Read reads a journal.
var Read = read

// Meddle puts something between f and its file.
func (f *File) Meddle(between func(Disk) Disk) { f.file = between(f.file) }

// Path is where the file is.
func (f *File) Path() string { return f.path }
