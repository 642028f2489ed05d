import { MlmlError } from '../../errors.js';

/** Sees to it that every pass over a table gives the same rows. */
export class RepeatCheck {
  /** Of all rows; once a pass has ended. */
  sha256 = '';
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** After each pass, with the hash of its rows. */
  add(sha256: string): void {
    if (this.sha256 !== '' && this.sha256 !== sha256)
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${this.#name}: gives other rows each time it is read, but an import reads it several times; order the rows (ORDER BY), ` +
          'leave out what is random, or write the rows to a file first',
      );
    this.sha256 = sha256;
  }
}
