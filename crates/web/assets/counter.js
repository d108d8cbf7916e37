// The counter: larger and smaller by one, the sum while choosing, the camera where there is one.
// The page works without any of it.
"use strict";

const order = document.querySelector("form[data-balance]");
if (order) {
  const inputs = [...order.querySelectorAll("input[data-points]")];
  const sum = () => {
    const price = inputs.reduce((all, i) => all + Number(i.dataset.points) * (Number(i.value) || 0), 0);
    order.querySelector("[data-price]").textContent = price;
    const left = Number(order.dataset.balance) - price;
    order.querySelector("[data-left]").textContent = left;
    order.querySelector("[data-sum]").classList.toggle("problem", left < 0);
  };
  order.querySelectorAll("[data-step]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const input = button.parentElement.querySelector("input");
      const wanted = (Number(input.value) || 0) + Number(button.dataset.step);
      input.value = Math.min(Math.max(wanted, 0), Number(input.max));
      sum();
    });
  });
  inputs.forEach((input) => input.addEventListener("input", sum));
  order.querySelector("[data-sum]").hidden = false;
  sum();
}

const scan = document.querySelector("[data-scan]");
if (scan && "BarcodeDetector" in window && navigator.mediaDevices) {
  scan.hidden = false;
  scan.addEventListener("click", async () => {
    const video = document.querySelector("video[data-camera]");
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch { scan.disabled = true; return; }
    video.srcObject = stream;
    video.hidden = false;
    await video.play();
    const look = async () => {
      const [found] = await detector.detect(video).catch(() => []);
      if (!found) { requestAnimationFrame(look); return; }
      stream.getTracks().forEach((track) => track.stop());
      const input = document.querySelector("input[name=card]");
      input.value = found.rawValue;
      input.form.submit();
    };
    look();
  });
}
