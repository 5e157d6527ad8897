import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.KeyTransRecipientId;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;

/** Opens and makes envelopes of update packages, as somebody would who reads docs/packages.md alone. */
class BouncyCastle {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        switch (args[0]) {
            case "encrypt" -> encrypt(args);
            case "decrypt" -> decrypt(args);
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    /** encrypt CONTENT ENVELOPE CERTIFICATE...; one whose name begins with "key:" is named by its key. */
    private static void encrypt(String[] args) throws Exception {
        OAEPParameterSpec oaep = new OAEPParameterSpec(
                "SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT);
        AlgorithmIdentifier wrap = new JcaAlgorithmParametersConverter()
                .getAlgorithmIdentifier(org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers.id_RSAES_OAEP, oaep);
        CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
        for (int i = 3; i < args.length; i++) {
            boolean byKey = args[i].startsWith("key:");
            X509Certificate certificate = certificate(args[i].substring(byKey ? 4 : 0));
            if (byKey) {
                byte[] identifier = new JcaX509ExtensionUtils()
                        .createSubjectKeyIdentifier(
                                SubjectPublicKeyInfo.getInstance(certificate.getPublicKey().getEncoded()))
                        .getKeyIdentifier();
                generator.addRecipientInfoGenerator(
                        new JceKeyTransRecipientInfoGenerator(identifier, wrap, certificate.getPublicKey())
                                .setProvider("BC"));
            } else {
                generator.addRecipientInfoGenerator(
                        new JceKeyTransRecipientInfoGenerator(certificate, wrap).setProvider("BC"));
            }
        }
        OutputAEADEncryptor cipher = (OutputAEADEncryptor)
                new JceCMSContentEncryptorBuilder(CMSAlgorithm.AES256_GCM).setProvider("BC").build();
        CMSAuthEnvelopedData envelope = generator.generate(
                new CMSProcessableByteArray(Files.readAllBytes(Path.of(args[1]))), cipher);
        Files.write(Path.of(args[2]), envelope.toASN1Structure().getEncoded("DER"));
    }

    /** decrypt ENVELOPE CONTENT KEY [CERTIFICATE]: the recipient is found by the certificate, or is the only one. */
    private static void decrypt(String[] args) throws Exception {
        CMSAuthEnvelopedData envelope = new CMSAuthEnvelopedData(Files.readAllBytes(Path.of(args[1])));
        RecipientInformation recipient = args.length > 4
                ? envelope.getRecipientInfos().get(recipientId(certificate(args[4])))
                : envelope.getRecipientInfos().getRecipients().iterator().next();
        byte[] content =
                recipient.getContent(new JceKeyTransAuthEnvelopedRecipient(key(args[3])).setProvider("BC"));
        Files.write(Path.of(args[2]), content);
    }

    private static KeyTransRecipientId recipientId(X509Certificate certificate) throws Exception {
        X509CertificateHolder holder = new X509CertificateHolder(certificate.getEncoded());
        return new KeyTransRecipientId(holder.getIssuer(), holder.getSerialNumber());
    }

    private static X509Certificate certificate(String path) throws Exception {
        try (var in = Files.newInputStream(Path.of(path))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    private static PrivateKey key(String path) throws Exception {
        String pem = Files.readString(Path.of(path)).replaceAll("-----[A-Z ]+-----|\\s", "");
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
    }
}
