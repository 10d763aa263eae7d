// The part of the shop: from its places to their views.

import { Problem } from "../http.js";
import { openBuying } from "./buy-view.js";
import { openCatalogue } from "./catalogue-view.js";
import { openPurchase } from "./purchase-view.js";
import { openPurchases } from "./purchases-view.js";
import { openWalletView } from "./wallet-view.js";

/** The view of a place of this part: #/shop, /buy/<product>, /purchases, /purchases/<id>, /wallet. */
export function openShop({ path: [place, id] }, signal, go) {
  if (!place) return openCatalogue(signal);
  if (place === "buy" && id) return openBuying(id, signal, go);
  if (place === "purchases") return id ? openPurchase(id, signal) : openPurchases(signal);
  if (place === "wallet") return openWalletView(signal);
  throw new Problem("not-found");
}
