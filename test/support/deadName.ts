import { type OwnedKind, ownedName } from '../../src/storage/ownedFolder.js';

/** A name as of a process of this machine that has ended: none has so high a number. */
export function deadName(kind: OwnedKind): string {
  return ownedName(kind).replace(/-[0-9]+-([0-9]+-[0-9]+)$/, '-4194305-$1');
}
