package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"hash"
)

// An encrypted PKCS #8 file, as openssl writes it: PBES2 with PBKDF2 and AES-CBC
// (RFC 8018). Other schemes are refused.

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2 struct {
	Derivation pkix.AlgorithmIdentifier
	Cipher     pkix.AlgorithmIdentifier
}

type derivation struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

const iterationsMost = 10_000_000

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	prfs = map[string]func() hash.Hash{
		"":                    sha1.New, // the default of the standard
		"1.2.840.113549.2.7":  sha1.New,
		"1.2.840.113549.2.9":  sha256.New,
		"1.2.840.113549.2.10": sha512.New384,
		"1.2.840.113549.2.11": sha512.New,
		"1.2.840.113549.2.13": sha512.New512_256,
		"1.2.840.113549.2.12": sha512.New512_224,
		"1.2.840.113549.2.8":  sha256.New224,
	}
	keySizes = map[string]int{
		"2.16.840.1.101.3.4.1.2":  16,
		"2.16.840.1.101.3.4.1.22": 24,
		"2.16.840.1.101.3.4.1.42": 32,
	}
)

var errPKCS8 = errors.New("not a key file that this passphrase opens")

// openPKCS8 decrypts the body of an ENCRYPTED PRIVATE KEY.
func openPKCS8(der []byte, passphrase string) ([]byte, error) {
	var file encryptedKey
	var scheme pbes2
	var kdf derivation
	var iv []byte
	if rest, err := asn1.Unmarshal(der, &file); err != nil || len(rest) > 0 || !file.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, errPKCS8
	}
	if _, err := asn1.Unmarshal(file.Algorithm.Parameters.FullBytes, &scheme); err != nil || !scheme.Derivation.Algorithm.Equal(oidPBKDF2) {
		return nil, errPKCS8
	}
	if _, err := asn1.Unmarshal(scheme.Derivation.Parameters.FullBytes, &kdf); err != nil || kdf.Iterations < 1 || kdf.Iterations > iterationsMost {
		return nil, errPKCS8
	}
	if _, err := asn1.Unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil || len(iv) != aes.BlockSize {
		return nil, errPKCS8
	}
	prf, known := prfs[kdf.PRF.Algorithm.String()]
	size := keySizes[scheme.Cipher.Algorithm.String()]
	if !known || size == 0 {
		return nil, errPKCS8
	}
	key, err := pbkdf2.Key(prf, passphrase, kdf.Salt, kdf.Iterations, size)
	if err != nil {
		return nil, err
	}
	return openCBC(key, iv, file.Data)
}

func openCBC(key, iv, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errPKCS8
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, errPKCS8
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad {
			return nil, errPKCS8
		}
	}
	return plain[:len(plain)-pad], nil
}
