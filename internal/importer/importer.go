// Package importer finds long-lived access keys that lie in files and in aws-vault's store,
// and moves them into fob's store.
//
// A key that is moved can be used from at least one place at any moment, whenever fob is
// killed, and running fob import again finishes what a killed run began. That is what
// this order is for. For each key that the user has chosen:
//
//  1. AWS says whose it is. Nothing is asked of AWS about a key that was not chosen: a
//     honeytoken raises its alarm when it is used.
//  2. The store gets it, under each of its profiles, synced to the disk. Now it is in two
//     places.
//  3. Another process reads it back from the store, and it is the same key.
//  4. The profile gets a session by the config as it will be, which is where a person may
//     be asked for an MFA code. No file has changed yet, so it does not matter how long
//     that takes, or that nobody answers.
//  5. The backup goes into the store, synced: the files as they are, and as they will be.
//  6. The config is written, in which the profile and those that build on it ask fob, by
//     the rules of fob wire. The plain text is still there, so it does not matter to
//     tools yet.
//  7. The credential_process of each profile is run as SDKs run it. If that does not work,
//     the config is as before again, and the key stays where it was.
//  8. Only now the plain text leaves the files. Each file changes in one step. A file with
//     one key and nothing else, such as the console's CSV file, is deleted if the user
//     wants that.
//
// A run that is killed before step 6 has changed no file. After step 6 the profile works
// from its file, and after step 8 from the store. The next run finds the key in its file
// again, sees that the store has the same one, and continues. A file that changes between
// reading and writing is not written, and its key stays.
//
// Each key of each run has a backup of its own. Undoing them, the latest first, brings
// the files back byte for byte, also if a run was killed and another finished: the one
// before changed the files from what it found to what the next one found. What somebody
// has changed in other lines since then stays. The files are back and synced before a key
// leaves the store, and it leaves only if this import stored it and a file has it again, or
// aws-vault still has it.
package importer
