package wire

// Unmarshal is for comparing a decode with that of plain structs.
var Unmarshal = unmarshal
