/** The address of a server, and the rest of the URL. */
export interface Target {
    readonly secure: boolean;
    /** Without port; an IPv6 address in brackets. */
    readonly host: string;
    /** Never empty. */
    readonly port: string;
    /** The URL's path: the namespace. */
    readonly namespace: string;
    /** The URL's query, without `?`. */
    readonly query: string;
}
/** The part of `location` that is used. */
export interface PageLocation {
    readonly protocol: string;
    readonly host: string;
}
/** The page's address, if there is a page that has one. */
export declare function pageLocation(): PageLocation | undefined;
/**
 * Accepts `http(s)://`, `ws(s)://`, `//host`, `/namespace`, `?query`, `host` and an empty text. All except the first
 * two need a page; without one, an empty text is this machine. Throws an Error for an invalid URL or one of more than
 * 8000 characters.
 */
export declare function parseTarget(url: string | undefined, page?: PageLocation | undefined): Target;
/** `host`, or `host:port` unless it is the default port. */
export declare function authority(target: Target): string;
