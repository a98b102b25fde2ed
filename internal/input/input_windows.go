package input

// Windows has no named pipes in directories.
const nonBlock = 0
