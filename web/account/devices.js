// What a User-Agent says in words: browsers all claim to be each other, so the order counts.

const PROGRAMS = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\/|Opera/, "Opera"],
  [/YaBrowser\//, "Yandex Browser"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\/|HeadlessChrome\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const SYSTEMS = [
  [/Android/, "Android"],
  [/iPhone|iPad|iPod/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** "Firefox on Linux"; a program that is no browser by its own name. */
export function deviceName(userAgent) {
  const named = (list) => list.find(([pattern]) => pattern.test(userAgent))?.[1];
  const program = named(PROGRAMS) ?? (userAgent.split(/[\s/]/)[0] || "Unknown program");
  const system = named(SYSTEMS);
  return system ? `${program} on ${system}` : program;
}
