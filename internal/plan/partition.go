package plan

import (
	"net/url"
	"slices"
	"strings"
)

// partition is a part of AWS with accounts, regions and hosts of its own.
type partition struct {
	name string
	// prefixes begin the names of its regions; a word and a number follow.
	prefixes string
	// home is the region of its global services, and of STS when no region is known.
	home string
	// suffix and dual end the names of hosts; those of dual have IPv6 addresses, too.
	suffix, dual string
	// web is the domain of what people see in a browser: signin.WEB and console.WEB.
	web string
}

// partitions are all of them, from the endpoint rules of the AWS SDKs. A region that
// is like none of these is one of the first, which is how SDKs know new ones.
var partitions = [...]partition{
	{"aws", "us eu ap sa ca me af il mx", "us-east-1", "amazonaws.com", "api.aws", "aws.amazon.com"},
	{"aws-cn", "cn", "cn-north-1", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "amazonaws.cn"},
	{"aws-us-gov", "us-gov", "us-gov-west-1", "amazonaws.com", "api.aws", "amazonaws-us-gov.com"},
	{"aws-eusc", "eusc-de", "eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu", "amazonaws-eusc.eu"},
	{"aws-iso", "us-iso", "us-iso-east-1", "c2s.ic.gov", "api.aws.ic.gov", "c2shome.ic.gov"},
	{"aws-iso-b", "us-isob", "us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud", "sc2shome.sgov.gov"},
	{"aws-iso-e", "eu-isoe", "eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "csphome.adc-e.uk"},
	{"aws-iso-f", "us-isof", "us-isof-south-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "csphome.hci.ic.gov"},
}

// has reports whether a region is one of the partition's.
func (p partition) has(region string) bool {
	for _, prefix := range strings.Fields(p.prefixes) {
		rest, ok := strings.CutPrefix(region, prefix+"-")
		word, number, two := strings.Cut(rest, "-")
		if ok && two && word != "" && number != "" && strings.Trim(number, "0123456789") == "" {
			return true
		}
	}
	return region == p.name+"-global"
}

// partitionOf is the partition of a region.
func partitionOf(region string) partition {
	i := slices.IndexFunc(partitions[:], func(p partition) bool { return p.has(region) })
	return partitions[max(i, 0)]
}

// partitionNamed is the partition that an ARN names.
func partitionNamed(name string) (p partition, ok bool) {
	i := slices.IndexFunc(partitions[:], func(p partition) bool { return p.name == name })
	return partitions[max(i, 0)], i >= 0
}

// HomeRegions are the home regions of the partitions.
func HomeRegions() (all []string) {
	for _, p := range partitions {
		all = append(all, p.home)
	}
	return all
}

// IsAWS reports whether the endpoint is AWS's own, and not another server that
// speaks its protocol.
func (e Endpoint) IsAWS() bool {
	u, err := url.Parse(e.URL)
	if err != nil || e.URL == "" {
		return err == nil
	}
	host := strings.ToLower(u.Hostname())
	return slices.ContainsFunc(partitions[:], func(p partition) bool {
		return strings.HasSuffix(host, "."+p.suffix) || strings.HasSuffix(host, "."+p.dual) || strings.HasSuffix(host, "."+p.web)
	})
}
