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

/** The Region in which a partition other than `aws` has the one endpoint of a global service. */
const globalRegions: Record<string, string> = {
  cn: 'cn-north-1',
  'us-gov': 'us-gov-west-1',
  'us-iso': 'us-iso-east-1',
  'us-isob': 'us-isob-east-1',
  'eu-isoe': 'eu-isoe-west-1',
  'us-isof': 'us-isof-south-1',
  'eusc-de': 'eusc-de-east-1',
};

/**
 * Stands in for the SDK's endpoint rules in the bundles, which come as a decision diagram per client, with an interpreter and a
 * table of all Regions. The services have the same rule unless FIPS or dual-stack endpoints are asked for, which nothing in this
 * deployment does: the endpoint that is configured (AWS_ENDPOINT_URL), or the service's in the Region. A test compares it with the
 * SDK's rules, in every Region that the SDK knows.
 * @param host how the service's host names begin
 */
export function endpointResolver(host: string) {
  return (parameters: Parameters) =>
    resolved(parameters, (region) => ({ url: `https://${host}.${region}.${suffixOf(region)}` }));
}

/** The same for a service with one endpoint for all Regions of a partition. */
export function globalEndpointResolver(host: string) {
  return (parameters: Parameters) =>
    resolved(parameters, (region) => {
      const signingRegion = globalRegions[partitionOf(region)] ?? 'us-east-1';
      const place = { 'us-east-1': '', 'us-gov-west-1': 'us-gov.' }[signingRegion] ?? `${signingRegion}.`;
      return {
        url: `https://${host}.${place}${suffixOf(region)}`,
        properties: { authSchemes: [{ name: 'sigv4', signingRegion }] },
      };
    });
}

function resolved(
  { Region, Endpoint, UseFIPS, UseDualStack }: Parameters,
  rule: (region: string) => { url: string; properties?: object },
) {
  if (UseFIPS || UseDualStack) {
    throw new Error('FIPS and dual-stack endpoints are not in this bundle: see scripts/aliases/endpoints.ts');
  }
  if (Endpoint === undefined && Region === undefined) throw new Error('Missing Region');
  const { url, properties = {} } = Endpoint === undefined ? rule(Region ?? '') : { url: Endpoint };
  return { url: new URL(url), properties, headers: {} };
}

const partitionOf = (region: string) => region.replace(/-[a-z]+-\d+$/, '');
const suffixOf = (region: string) => suffixes[partitionOf(region)] ?? 'amazonaws.com';
