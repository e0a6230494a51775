/**
 * Stands in for the cache of endpoints that DynamoDB's client makes and nobody uses: it has no command that discovers endpoints, and
 * discovery is off unless AWS_ENABLE_ENDPOINT_DISCOVERY says otherwise, which no function's environment does. The cache, with the collection
 * behind it, would be 7 KB of nearly every bundle.
 */
export class EndpointCache {
  getEndpoint(): undefined {
    return undefined;
  }

  get(): undefined {
    return undefined;
  }

  set(): void {}

  delete(): void {}
}
