/**
 * Stands in for the SDK's default credential chain in the bundles: Lambda gives a function its credentials in the
 * environment, so the chain's other sources (files, SSO, instance metadata) would only be loaded, at every cold start.
 */
export function defaultProvider() {
  return async () => ({
    accessKeyId: required('AWS_ACCESS_KEY_ID'),
    secretAccessKey: required('AWS_SECRET_ACCESS_KEY'),
    sessionToken: process.env.AWS_SESSION_TOKEN,
  });
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: Lambda gives a function its role's credentials there`);
  return value;
}
