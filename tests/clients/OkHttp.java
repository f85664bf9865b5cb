// The unmodified OkHttp, the HTTP client of TapTalk.io's Android SDK: it repeats a refresh if the answer is cut off, and
// the user stays logged in. Run by `.ci/clients`, which starts the axum example.
//
// Usage: java -cp okhttp.jar:okio.jar OkHttp.java <base URL>

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;

public class OkHttp {
    static final AtomicInteger CUTS = new AtomicInteger();
    static final AtomicInteger REFRESHES = new AtomicInteger();
    static final OkHttpClient CLIENT = new OkHttpClient.Builder().retryOnConnectionFailure(true).build();

    public static void main(String[] args) throws Exception {
        String base = "http://127.0.0.1:" + proxy(URI.create(args[0]));
        String serverKey = base64("demo-server:demo-secret"), appKey = base64("demo-app:demo-app-secret");
        String user = "{\"userIPAddress\":\"127.0.0.1\",\"userAgent\":\"okhttp\",\"userPlatform\":\"android\","
            + "\"userDeviceID\":\"1\",\"xcUserID\":\"288\",\"fullName\":\"Demo User\"}";
        String ticket = member(call(base + "/v1/server/auth_ticket/request", "Server-Key", serverKey, null, user), "ticket");
        String login = call(base + "/v1/auth/access_token/request", "App-Key", appKey, ticket, "");
        for (int round = 1; round <= 100; round++) {
            CUTS.set(1);
            login = call(base + "/v1/auth/access_token/refresh", "App-Key", appKey, member(login, "refreshToken"), "");
            check(REFRESHES.get() == 2 * round, "the refresh was sent twice");
            String checked = call(base + "/connect?check=1", "App-Key", appKey, member(login, "accessToken"), null);
            check(checked.contains("\"status\":200"), checked);
        }
        System.out.println("OkHttp: 100 refreshes were cut off and repeated, the user is still logged in");
        System.exit(0);
    }

    static String call(String url, String keyName, String key, String token, String body) throws IOException {
        Request.Builder request = new Request.Builder().url(url).header(keyName, key).header("Device-Identifier", "d1");
        if (token != null) request.header("Authorization", "Bearer " + token);
        if (body != null) request.post(RequestBody.create(MediaType.parse("application/json"), body));
        return CLIENT.newCall(request.build()).execute().body().string();
    }

    /** Forwards each request. For the next CUTS refreshes, it closes the connection instead of sending the answer. */
    static int proxy(URI target) throws IOException {
        ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread accepting = new Thread(() -> {
            while (true) {
                try {
                    Socket client = listener.accept();
                    new Thread(() -> forward(client, target)).start();
                } catch (IOException end) {
                    return;
                }
            }
        });
        accepting.setDaemon(true);
        accepting.start();
        return listener.getLocalPort();
    }

    static void forward(Socket client, URI target) {
        try (client; Socket server = new Socket(target.getHost(), target.getPort())) {
            while (true) {
                byte[] request = message(client.getInputStream());
                if (request == null) return;
                server.getOutputStream().write(request);
                byte[] answer = message(server.getInputStream());
                if (new String(request, "ISO-8859-1").startsWith("POST /v1/auth/access_token/refresh")) {
                    REFRESHES.incrementAndGet();
                    if (CUTS.getAndDecrement() > 0) return;
                }
                client.getOutputStream().write(answer);
            }
        } catch (IOException end) {
            // The other end has closed its connection.
        }
    }

    /** Reads a message: a head, and a body of its Content-Length. */
    static byte[] message(InputStream in) throws IOException {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        while (!message.toString("ISO-8859-1").endsWith("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) return null;
            message.write(next);
        }
        Matcher length = Pattern.compile("(?i)content-length: (\\d+)").matcher(message.toString("ISO-8859-1"));
        if (length.find()) message.write(in.readNBytes(Integer.parseInt(length.group(1))));
        return message.toByteArray();
    }

    static String member(String json, String name) {
        Matcher value = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
        check(value.find(), json);
        return value.group(1);
    }

    static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes());
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }
}
