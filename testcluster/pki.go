// pki makes the keys and certificates of one cluster: a certificate authority, the server's pair, the token signer's pair.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Longer than any test run, shorter than anyone could forget one.
const validity = 30 * 24 * time.Hour

func runPKI() int {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: pki FOLDER ADDRESS...")
		return 2
	}
	if err := writePKI(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "pki:", err)
		return 1
	}
	return 0
}

// writePKI fills dir with ca.crt, server.crt, server.key, proxy.crt, proxy.key, sa.key and sa.pub. The names are DNS names or addresses.
func writePKI(dir string, names []string) error {
	authority, authorityKey, err := certificate(template("lucid test cluster", true), nil, nil)
	if err != nil {
		return err
	}
	server, serverKey, err := certificate(serverTemplate(names), authority, authorityKey)
	if err != nil {
		return err
	}
	proxy, proxyKey, err := certificate(proxyTemplate(), authority, authorityKey)
	if err != nil {
		return err
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return err
	}
	for _, write := range []func() error{
		func() error { return writePEM(dir, "ca.crt", "CERTIFICATE", authority.Raw) },
		func() error { return writePEM(dir, "server.crt", "CERTIFICATE", server.Raw) },
		func() error { return writeKey(dir, "server.key", serverKey) },
		func() error { return writePEM(dir, "proxy.crt", "CERTIFICATE", proxy.Raw) },
		func() error { return writeKey(dir, "proxy.key", proxyKey) },
		func() error { return writeKey(dir, "sa.key", signer) },
		func() error { return writePEM(dir, "sa.pub", "PUBLIC KEY", public) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func template(name string, authority bool) *x509.Certificate {
	now := time.Now()
	usage := x509.KeyUsageDigitalSignature
	if authority {
		usage |= x509.KeyUsageCertSign
	}
	return &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(validity),
		KeyUsage:              usage,
		IsCA:                  authority,
		BasicConstraintsValid: true,
	}
}

func serverTemplate(names []string) *x509.Certificate {
	t := template("kube-apiserver", false)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	return t
}

// proxyTemplate is what the API server shows to the servers of aggregated APIs.
func proxyTemplate() *x509.Certificate {
	t := template("front-proxy", false)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return t
}

// certificate makes a key and a certificate for it, signed by the parent or, without one, by itself.
func certificate(t, parent *x509.Certificate, signer crypto.Signer) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, signer = t, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(raw)
	return made, key, err
}

func writeKey(dir, name string, key crypto.Signer) error {
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(dir, name, "PRIVATE KEY", raw)
}

func writePEM(dir, name, kind string, raw []byte) error {
	return os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600)
}
