// Secret sharing over GF(256); the twin of shamir.py. The only cryptography of our own.

const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  const doubled = value << 1;
  value ^= doubled & 0x100 ? doubled ^ 0x11b : doubled; // times 3 = itself + its double
}

export const multiply = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

export function divide(a, b) {
  if (!b) throw new RangeError("division by zero in GF(256)");
  return a ? EXP[LOG[a] - LOG[b] + 255] : 0;
}

// `count` shares (index byte, then one byte per secret byte) of which any `quorum` give the secret.
export function split(secret, { quorum, count }) {
  if (!(quorum >= 1 && quorum <= count && count <= 255)) throw new RangeError("1 <= quorum <= count <= 255");
  const coefficients = [secret];
  while (coefficients.length < quorum) coefficients.push(crypto.getRandomValues(new Uint8Array(secret.length)));
  return Array.from({ length: count }, (_, i) => {
    const x = i + 1;
    const share = new Uint8Array(secret.length + 1);
    share[0] = x;
    for (let position = 0; position < secret.length; position += 1) {
      let value = 0;
      for (let degree = quorum - 1; degree >= 0; degree -= 1) {
        value = multiply(value, x) ^ coefficients[degree][position];
      }
      share[position + 1] = value;
    }
    return share;
  });
}

// The secret of exactly a quorum of shares; fewer give a wrong secret, not an error.
export function combine(shares) {
  const secret = new Uint8Array(shares[0].length - 1);
  for (const share of shares) {
    let weight = 1;
    for (const other of shares) {
      if (other[0] !== share[0]) weight = multiply(weight, divide(other[0], other[0] ^ share[0]));
    }
    for (let position = 0; position < secret.length; position += 1) {
      secret[position] ^= multiply(weight, share[position + 1]);
    }
  }
  return secret;
}
