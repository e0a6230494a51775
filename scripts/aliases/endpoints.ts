interface Parameters {
  Region?: string;
  Endpoint?: string;
  UseFIPS?: boolean;
  UseDualStack?: boolean;
}

/** The partitions beside `aws`: how their Regions begin, and what their endpoints end with. */
const suffixes: Record<string, string> = {
  cn: 'amazonaws.com.cn',
  'us-iso': 'c2s.ic.gov',
  'us-isob': 'sc2s.sgov.gov',
  'eu-isoe': 'cloud.adc-e.uk',
  'us-isof': 'csp.hci.ic.gov',
  'eusc-de': 'amazonaws.eu',
};

/**
 * Stands in for the SDK's endpoint rules in the bundles, which come as a decision diagram per client, with an interpreter and a
 * table of all Regions. Every client of a function but IAM's has the same rule unless FIPS or dual-stack endpoints are asked for, which
 * nothing in this deployment does: the endpoint that is configured (AWS_ENDPOINT_URL), or the service's in the Region. A test compares
 * it with the SDK's rules, in every Region that the SDK knows.
 * @param host how the service's host names begin
 */
export function endpointResolver(host: string) {
  return ({ Region, Endpoint, UseFIPS, UseDualStack }: Parameters) => {
    if (UseFIPS || UseDualStack) {
      throw new Error('FIPS and dual-stack endpoints are not in this bundle: see scripts/aliases/endpoints.ts');
    }
    if (Endpoint === undefined && Region === undefined) throw new Error('Missing Region');
    const suffix = suffixes[Region?.replace(/-[a-z]+-\d+$/, '') ?? ''] ?? 'amazonaws.com';
    return { url: new URL(Endpoint ?? `https://${host}.${Region}.${suffix}`), properties: {}, headers: {} };
  };
}
