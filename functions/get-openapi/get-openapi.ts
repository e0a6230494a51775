/**
 * The document of the API, with the address of the API itself as its server, so that a copy of it still has it.
 * @param domainName the host that was called, also when it is a domain name of the deployment's own; undefined when the API was not
 * @param rawPath the path that was called, which has more before the route where a domain name is for several APIs
 */
export function atAddress<Document extends { servers: readonly object[] }>(
  document: Document,
  domainName: string | undefined,
  rawPath: string,
): Document {
  if (domainName === undefined) return document;
  const url = `https://${domainName}${rawPath.replace(/\/openapi\.json$/, '')}`;
  return { ...document, servers: document.servers.map((server) => ({ ...server, url })) };
}
