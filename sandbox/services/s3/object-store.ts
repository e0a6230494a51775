import type { Access } from '../../core/operation.ts';
import type { BucketStore } from './bucket-resource.ts';

/** Where an object is. */
export interface ObjectPlace {
  bucket: string;
  key: string;
}

export interface StoredObject {
  bytes: Buffer;
  contentType: string;
  /** Of the `x-amz-meta-` headers, by what stands behind that. */
  metadata: Readonly<Record<string, string>>;
  /** In milliseconds since the epoch. */
  lastModified: number;
}

/** The objects of all buckets, of which the vendor's alone is there without a stack, and public. */
export interface ObjectStore {
  /** The bytes of an object. */
  get(place: ObjectPlace): Buffer | undefined;
  object(place: ObjectPlace): StoredObject | undefined;
  put(place: ObjectPlace, bytes: Buffer, about?: Partial<Omit<StoredObject, 'bytes'>>): void;
  /** Deletes an object, if there is one. */
  delete(place: ObjectPlace): void;
  /** The objects of a bucket by key, in the order of their keys' bytes. */
  list(bucket: string): readonly (readonly [key: string, object: StoredObject])[];
  /** Whether everybody may read the bucket's objects. */
  isPublic(bucket: string): boolean;
  /** Whether there is such a bucket. */
  has(bucket: string): boolean;
  /** Where a bucket is; undefined when there is none. */
  regionOf(bucket: string): string | undefined;
  /** The buckets of an account, in the order of their names. */
  bucketsOf(accountId: string): readonly { name: string; region: string }[];
  /** What IAM is asked for an action on an object, or with no key on the bucket. */
  access(action: string, place: { bucket: string; key?: string }): Access;
  /** The text at the URL of an object. */
  textAt(url: string): string | undefined;
}

/**
 * A deleted bucket takes no objects with it: it has none then.
 * @param vendor the text at a path-style URL of the vendor's bucket
 */
export function createObjectStore(buckets: BucketStore, vendor: (url: string) => string | undefined): ObjectStore {
  /** By bucket, and then by key. */
  const objects = new Map<string, Map<string, StoredObject>>();
  const isPublic = (bucket: string) => bucket === vendorBucket;

  function object({ bucket, key }: ObjectPlace): StoredObject | undefined {
    if (!isPublic(bucket)) return buckets.has(bucket) ? objects.get(bucket)?.get(key) : undefined;
    const text = vendor(`https://s3.amazonaws.com/${bucket}/${key}`);
    return text === undefined ? undefined : { ...plain, bytes: Buffer.from(text) };
  }

  return {
    object,
    get: (place) => object(place)?.bytes,
    put({ bucket, key }, bytes, about = {}) {
      const own = objects.get(bucket) ?? new Map<string, StoredObject>();
      objects.set(bucket, own.set(key, { ...plain, ...about, bytes }));
    },
    delete: ({ bucket, key }) => void objects.get(bucket)?.delete(key),
    list: (bucket) =>
      [...(objects.get(bucket) ?? [])].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    isPublic,
    has: (bucket) => isPublic(bucket) || buckets.has(bucket),
    regionOf: (bucket) => bucketRegion(buckets, bucket),
    bucketsOf: (accountId) =>
      [...buckets.values()]
        .map(({ name, stackId }) => ({ name, region: stackId.split(':')[3] ?? '', owner: stackId.split(':')[4] }))
        .filter(({ owner }) => owner === accountId)
        .map(({ name, region }) => ({ name, region }))
        .sort((one, other) => (one.name < other.name ? -1 : 1)),
    access: (action, place) => objectAccess(buckets, action, place),
    textAt(url) {
      const place = objectAt(url);
      return place === undefined ? undefined : object(place)?.bytes.toString('utf8');
    },
  };
}

const plain = { contentType: 'binary/octet-stream', metadata: {}, lastModified: 0 };

const vendorBucket = 'infinstorcft';

/** With the policy of the bucket, which decides across accounts; the vendor's allows everybody. */
export function objectAccess(
  buckets: BucketStore,
  action: string,
  { bucket, key }: { bucket: string; key?: string },
): Access {
  const resource = `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`;
  const { stackId, policy } = buckets.get(bucket) ?? {};
  const owner = stackId?.split(':')[4];
  return {
    action,
    resource,
    ...(owner !== undefined && { resourceAccountId: owner }),
    ...(policy !== undefined && { resourcePolicy: policy }),
  };
}

/** Where a bucket is; undefined when there is none. The vendor's is in us-east-1, as its URL without a Region says. */
export function bucketRegion(buckets: BucketStore, bucket: string): string | undefined {
  return bucket === vendorBucket ? 'us-east-1' : buckets.get(bucket)?.stackId.split(':')[3];
}

/** The Region that an object's URL asks: without one it is us-east-1. */
export const regionAt = (url: string): string => namedRegion(url) ?? 'us-east-1';
export const namesRegion = (url: string): boolean => namedRegion(url) !== undefined;

const namedRegion = (url: string) =>
  /^https:\/\/(?:[^/]+\.)?s3[.-]([a-z]+-[a-z0-9-]+)\.amazonaws\.com\//.exec(url)?.[1];

/**
 * The object at a URL with the bucket in its path or in its host, undefined for another URL:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 */
export function objectAt(url: string): ObjectPlace | undefined {
  const parts = /^https:\/\/(?:([a-z0-9][a-z0-9.-]+)\.)?s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com\/([^?#]+)$/.exec(url);
  if (parts === null) return undefined;
  const [, inHost, written = ''] = parts;
  const path = decoded(written);
  if (inHost !== undefined) return { bucket: inHost, key: path };
  const slash = path.indexOf('/');
  return slash < 1 || slash === path.length - 1
    ? undefined
    : { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

/** What a URL means; text that is not percent-encoded well means itself. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
