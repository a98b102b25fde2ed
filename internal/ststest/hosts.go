package ststest

import (
	"crypto/tls"
	"net"
	"net/http"
	"regexp"
	"strings"
)

// A server with Config.Proxy stands in for AWS's own hosts: it is an HTTPS proxy whose
// connections to them all end at the server. So it sees which hosts a program believes
// in, and which region it means.

// partitions of AWS: what the names of their regions begin with, and their hosts end in.
var partitions = []struct{ name, prefix, home, suffix, dual, web, iam string }{
	{"aws-cn", "cn-", "cn-north-1", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "amazonaws.cn", "iam.cn-north-1.amazonaws.com.cn"},
	{"aws-us-gov", "us-gov-", "us-gov-west-1", "amazonaws.com", "api.aws", "amazonaws-us-gov.com", "iam.us-gov.amazonaws.com"},
	{"aws-eusc", "eusc-", "eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu", "amazonaws-eusc.eu", "iam.eusc-de-east-1.amazonaws.eu"},
	{"aws", "", "us-east-1", "amazonaws.com", "api.aws", "aws.amazon.com", "iam.amazonaws.com"},
}

// partitionIn is the place in the table of the partition that a region belongs to.
func partitionIn(region string) int {
	for i, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return i
		}
	}
	return len(partitions) - 1
}

var (
	serviceHost = regexp.MustCompile(`^(oidc|portal\.sso|sts|ssm|secretsmanager)\.([a-z]+(?:-[a-z]+)+-[0-9]+)\.(.+)$`)
	signinHost  = regexp.MustCompile(`^([a-z]+(?:-[a-z]+)+-[0-9]+)\.(signin)\.(.+)$`)
)

// awsHost is the service and region of one of AWS's hosts; IAM has no region.
func awsHost(host string) (service, region string, ok bool) {
	for _, p := range partitions {
		if host == p.iam {
			return "iam", "", true
		}
	}
	if m := serviceHost.FindStringSubmatch(host); m != nil {
		p := partitions[partitionIn(m[2])]
		return m[1], m[2], m[3] == p.suffix || m[3] == p.dual
	}
	if m := signinHost.FindStringSubmatch(host); m != nil {
		return m[2], m[1], m[3] == partitions[partitionIn(m[1])].web
	}
	return "", "", false
}

// tunnel answers CONNECT. A host that AWS does not have cannot be reached; the log has
// the attempt.
func (s *Server) tunnel(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.Host)
	if s.tunnels == nil {
		http.NotFound(w, r)
		return
	}
	if _, _, ok := awsHost(host); !ok {
		s.mu.Lock()
		s.log.add(Call{Time: s.now(), Action: "CONNECT", Host: r.Host, Code: "NoSuchHost", Conn: r.Context().Value(connKey{}).(int)})
		s.mu.Unlock()
		http.Error(w, "no such host", http.StatusBadGateway)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err) // HTTP/1 only, see Start
	}
	if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		conn.Close()
		return
	}
	s.tunnels.take(tls.Server(conn, &tls.Config{NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.ca.issue(host) }}))
}

// tunnels is a listener whose connections are those inside of others.
type tunnels struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newTunnels() *tunnels { return &tunnels{make(chan net.Conn), make(chan struct{})} }

func (t *tunnels) take(c net.Conn) {
	select {
	case t.conns <- c:
	case <-t.closed:
		c.Close()
	}
}

// Accept implements net.Listener.
func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case c := <-t.conns:
		return c, nil
	case <-t.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The server calls it once.
func (t *tunnels) Close() error { close(t.closed); return nil }

// Addr implements net.Listener.
func (t *tunnels) Addr() net.Addr { return &net.TCPAddr{} }
