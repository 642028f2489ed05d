import type { Storage } from '../../storage/storage.js';
import type { DatasetDescription } from '../format.js';
import type { ImportOptions } from './importOptions.js';

/** One way in which a known data set's original files may lie in a folder. */
export interface Layout {
  readonly id: string;
  /** Looked into as well as the folder itself: the folder that unpacking the official archive makes. */
  readonly subfolder?: string;
  /** Picks the files, in the order `read` expects, and names those that are missing. */
  find(names: readonly string[]): { readonly files: readonly string[]; readonly missing: readonly string[] };
}

/** Original files found: a complete layout. Paths are in the order of `Layout.find`. */
export interface LocatedFiles {
  readonly layout: string;
  readonly paths: readonly string[];
}

/** A file on its public homes. */
export interface PublicFile {
  readonly name: string;
  readonly urls: readonly string[];
  readonly sha256?: string;
}

/** A known data set: how its original files may lie, where they are published, and how they are read. */
export interface RawSet {
  readonly name: string;
  /** In order of preference. */
  readonly layouts: readonly Layout[];
  /** What to download when no layout is found; together they make a layout. */
  readonly publicFiles: readonly PublicFile[];
  read(storage: Storage, located: LocatedFiles, options: ImportOptions): Promise<DatasetDescription>;
}

/** A layout in which each role is played by the first of its possible names that is there. */
export function layoutOf(id: string, roles: readonly (readonly string[])[], subfolder?: string): Layout {
  return {
    id,
    ...(subfolder === undefined ? {} : { subfolder }),
    find(names) {
      const found = roles.map((choices) => choices.find((choice) => names.includes(choice)));
      return {
        files: found.filter((name) => name !== undefined),
        missing: roles.filter((_, i) => found[i] === undefined).map((choices) => choices[0]!),
      };
    },
  };
}
