/** Files made by zstd 1.5.4. */
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

export const zstdText = `x,y\n${Array.from({ length: 120 }, (_, i) => `${i},${((i * 7919) % 1000) / 7}\n`).join('')}`;

/** `zstdText` by zstd -1, with its checksum. */
export const zstdChecked = bytes(
  'KLUv/QRITREAZjBdD8ClDf5/N5Hd3b2bMDgcGFgAWQBZADYpSsi5S4om6eQ9UvlYpCXkC5VDamXOdyjcGd9E3xtx2yu/6x256a255yXL+7r/yonjLRxnK8pYKpRw83XCnK2Frl4FS1MpYNzTX4X8LaVfoYTP/YajgYFWd67qJJqqj3uq8luqJPerUnNHNclJtRvpxEc5NopykZiJ5jzUKbRQL30qxh3UkDun8rlxWkUhfFO5bUZcU6sxjZFnsCyT5k+HwtExnXRKKW6U2u+T/iqcPHIjzn1YsmGPgt2FRTFhx4O1sqD52DwHovPSeM247+S2m7suTNekIPdcSSzX8a9GjiunNc9oNfRZ2qwVd9lvMrnHKlch5xZrCvrWEId1Ps6qDRmrdSpfNc0cLedvxr/n+9H2p+uPm/5e7vmLc8tfLLz/F0vu+HvijNfGGC/54mWL91zxJpri6YnHLfHe78eLckc86M4sojF74svK2LLkyjJlzZPNsyT6GXdk53diZaghBBpNgjU1xIYxECMRmUoPEBBBERJCFGU9jhgZG+kYkS+yBoqwHhK2EYQRQuSCnE74QCiAROYP0x6PmjPOZMx9EPtx7En8oa/62I1WLaMBvh8CuewfzZsMAhKDZTTwBbwfufoQ6rEKHvbLkGibkIopnR4BEcd1E5JqSfxiNSsOyfJIukpDaKFVIMqHenVGsIoC+p5jXgQhZBLkGHAE4OZgUNVx+Tzn+1J3+Oq4RC6sAs8dncc=',
);

/** `zstdText` by zstd -19 --no-check. */
export const zstdUnchecked = bytes(
  'KLUv/QBoRQ8A1qxXEaAlzQGrqgpcExERIcT2vzZhUwBSAFEAODj9JlC3ibwmKHSa0jNTd8qWibM7FPFshBwr0q/TbqXpVaNOjXoatd7G4CwNSzqEiZ1RGfTGoIDwC8stLLhwRQUpnaKKQWifqKLlBKXekCUCAwJpZWNw9xniZiEvi0onm/axml4z6mIR6lBxPQtnrEBfiW01dxXhVJZPBYZbkdKlQqYHiin1pDCrQEaK6Uc0G8UZXXQ1UdpD4S41FwoKhynpOdceSwhqD1nTM486ZtSXgdctI+fKQFPWnpy7Wbik5QExnBhBOqJMPxzqhhnIhdMJo+bBMLqItWDa4QTPa45H4bsw6XbXXpfT6QL1ubwXMsuVDkZ1tUNLd7Zw7OVXDFuD9Gqj0ykY6tMJetvp0tYcpHF0SrFGabBPKrhJJy8phUlq0kca2F5pkNNFKtVDiMwzyIwhhr5AtQWzK8TdFBKfEPKGSgNkqBGMcMVTMlQNazAniCSvARBOhERACOMecNUJ+tNUPeYIcee9ufF2Z/v1+dREhaiXgYdQOcN6uTPefp+sOAb/V64ELElDxUAF2hoL0KbpTKWOs30M9W24sD4uq58VQLYEgBJFi5LOPLMgr8Uo3AqWNFxIkOABmhq1+6fdNe3qhms7biSAVQE=',
);

/** 40 000 lines of 0123456789,abc: several blocks, with their checksum. */
export const zstdLong = bytes(
  'KLUv/QRYvAAAeDAxMjM0NTY3ODksYWJjCgEA7v+SzzpMAAAIMgEA/P85EAJMAAAINAEA/P85EAJMAAAINgEA/P85EAJNAAAIOAEAvCc5EAL2Sa9h',
);
