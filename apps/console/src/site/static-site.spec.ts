import { describe, expect, it } from '@jest/globals';
import { isPageVisit, siteFile } from './static-site.ts';

describe('the file an address means', () => {
  it.each(['/', '/explorer', '/system', '/login', '/first-login'])('is the one page for %s', (path) => {
    expect(siteFile(path, '/site')).toBe('/site/index.html');
  });

  it('is a built asset', () => {
    expect(siteFile('/assets/index-1a2b.js', '/site')).toBe('/site/assets/index-1a2b.js');
    expect(siteFile('/favicon.svg', '/site')).toBe('/site/favicon.svg');
  });

  it.each(['/assets/../../etc/passwd', '/assets/..', '/assets/a/b.js', '/../x', '/main.js', '/assets/', '/assets/a%2fb', '//x', ''])('is none for %s', (path) => {
    expect(siteFile(path, '/site')).toBeUndefined();
  });
});

describe('a visit to a page', () => {
  const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

  it.each(['/overview', '/explorer/', '/apis', '/a/b'])('is a browser\'s to %s', (path) => {
    expect(isPageVisit(path, browser)).toBe(true);
  });

  it.each([['/api/nothing', browser], ['/api', browser], ['/assets/gone.js', browser], ['/overview', 'application/json'], ['/overview', '*/*'], ['/overview', undefined]])('is not %s for %s', (path, accept) => {
    expect(isPageVisit(path, accept)).toBe(false);
  });
});
